[
  (source_file)
  (mod_item)
  (function_item)
  (function_signature_item)
  (closure_expression)
  (block)
  (match_arm)
  (if_expression)
  (while_expression)
  (for_expression)
  (impl_item)
  (trait_item)
  (struct_item)
  (enum_item)
  (union_item)
  (type_item)
  (macro_rule)
] @scope

(function_item name: (_) @definition.function) @item
(source_file (function_signature_item name: (_) @definition.function) @item)
(foreign_mod_item body: (declaration_list (function_signature_item name: (_) @definition.function) @item))
(struct_item name: (_) @definition.struct) @item
(union_item name: (_) @definition.union) @item
(enum_item name: (_) @definition.enum) @item
(trait_item name: (_) @definition.trait) @item
(type_item name: (_) @definition.type) @item
(mod_item name: (_) @definition.module) @item
(macro_definition name: (_) @definition.macro) @item
(const_item name: (_) @definition.constant) @item
(static_item name: (_) @definition.variable) @item
(type_parameter name: (_) @definition.type)
(const_parameter name: (_) @definition.constant)

(parameter pattern: (identifier) @definition.parameter)
(closure_parameters (identifier) @definition.parameter)
(let_declaration pattern: (identifier) @definition.variable) @item
(let_condition pattern: (identifier) @definition.variable)
(for_expression pattern: (identifier) @definition.variable)
(mut_pattern (identifier) @definition.variable)
(ref_pattern (identifier) @definition.variable)
(reference_pattern (identifier) @definition.variable)
(tuple_pattern (identifier) @definition.variable)
(slice_pattern (identifier) @definition.variable)
(tuple_struct_pattern type: (_) (identifier) @definition.variable)
(captured_pattern . (identifier) @definition.variable)
(field_pattern name: (shorthand_field_identifier) @definition.variable)
(field_pattern pattern: (identifier) @definition.variable)
((match_pattern . (identifier) @definition.variable)
  (#match? @definition.variable "^[a-z_]"))

(use_declaration argument: (identifier) @definition.import)
(use_declaration argument: (scoped_identifier name: (identifier) @definition.import))
(use_list (identifier) @definition.import)
(use_list (scoped_identifier name: (identifier) @definition.import))
(use_as_clause alias: (identifier) @definition.import)

[
  (identifier)
  (type_identifier)
  (shorthand_field_identifier)
] @reference

; What stands in an impl or a trait is known by its type alone.
(impl_item body: (declaration_list [
  (function_item name: (_) @qualified)
  (const_item name: (_) @qualified)
  (type_item name: (_) @qualified)
]))
(trait_item body: (declaration_list [
  (function_item name: (_) @qualified)
  (function_signature_item name: (_) @qualified)
  (const_item name: (_) @qualified)
]))
(scoped_identifier name: (identifier) @qualified)
(scoped_type_identifier name: (type_identifier) @qualified)
(associated_type name: (_) @qualified)
(type_binding name: (_) @qualified)
(enum_variant name: (_) @qualified)
(use_as_clause path: (identifier) @qualified)
(lifetime (identifier) @qualified)
(label (identifier) @qualified)
