//! Every text that a person reads, in both languages.
