((call method: (identifier) @_require arguments: (argument_list (string) @import.module))
  (#match? @_require "^(require|require_relative|load)$"))
