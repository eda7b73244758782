//! What somebody probably meant who wrote a word that is none.

/// Of the accepted words the nearest to `word`, in small letters, if it is near: one slip, and one more for every four letters
/// (Damerau–Levenshtein distance).
pub fn nearest<'a>(word: &str, accepted: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distances = accepted.into_iter().map(|one| (strsim::damerau_levenshtein(&word, &one.to_lowercase()), one));
    distances.filter(|(distance, one)| *distance <= 1 + one.chars().count() / 4).min().map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = ["help", "products", "cancel"];
        assert_eq!(nearest("Prodcuts", known), Some("products"));
        assert_eq!(nearest("hlep", known), Some("help"));
        assert_eq!(nearest("show", known), None);
    }
}
