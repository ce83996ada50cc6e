; No code actions by a model yet.
