//! A snapshot becomes a judged model.
