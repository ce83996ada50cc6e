((function_call name: (identifier) @_require arguments: (arguments (string) @import.module))
  (#eq? @_require "require"))
