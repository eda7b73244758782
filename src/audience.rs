//! Eligible people, ranked by score, cut to size.
