((command name: (command_name (word) @_source) argument: [(word) (string) (raw_string)] @import.module)
  (#match? @_source "^(source|[.])$"))
