//! Holds no code: the tests beside it are what this package is.
