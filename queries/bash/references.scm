(variable_name) @reference.value
(command_name (word) @reference.call)
