//! What the shop sells, to whom it appeals and what it costs.

use super::people::{Gender, Person};

/// How many categories there are.
pub(super) const CATEGORIES: usize = 12;

/// One category.
pub(super) struct Category {
    pub(super) name: &'static str,
    /// Interest of the average person against the other categories, as a logarithm.
    pub(super) popularity: f32,
    /// Spread of that interest between people.
    pub(super) spread: f32,
    /// How readily interest becomes a purchase.
    pub(super) readiness: f32,
    /// Yen of a usual purchase.
    pub(super) price_yen: f32,
}

/// Every category; the index is the code in [`Person::interests`].
pub(super) const ALL: [Category; CATEGORIES] = [
    category("skincare", -0.2, 1.2, 1.0, 4200.0),
    category("makeup", 0.1, 1.0, 0.9, 2800.0),
    category("supplement", -0.2, 1.2, 1.1, 3600.0),
    category("coffee", -0.3, 1.3, 1.2, 1980.0),
    category("tea", -0.3, 0.9, 0.9, 1600.0),
    category("snack", 0.2, 0.8, 1.0, 980.0),
    category("apparel", 0.3, 0.9, 0.5, 6900.0),
    category("kitchen", -0.1, 0.9, 0.5, 3800.0),
    category("pet", -0.5, 1.4, 0.9, 2400.0),
    category("book", -0.1, 0.9, 0.8, 1500.0),
    category("garden", -0.6, 1.1, 0.6, 3200.0),
    category("kimono", -1.2, 1.0, 0.01, 14_800.0),
];

const fn category(name: &'static str, popularity: f32, spread: f32, readiness: f32, price_yen: f32) -> Category {
    Category { name, popularity, spread, readiness, price_yen }
}

/// What age, gender and region add to the interest in category `code`, as a logarithm.
pub(super) fn appeal(code: usize, person: &Person) -> f32 {
    let woman = if person.gender == Gender::Woman { 1.0 } else { 0.0 };
    let aged = |from: u8, to: u8| if (from..=to).contains(&person.age) { 1.0 } else { 0.0 };
    let lives_in = |prefectures: &[u8]| if prefectures.contains(&person.prefecture) { 1.0 } else { 0.0 };
    let urban = || lives_in(&[11, 12, 13, 14, 23, 27]);
    match ALL[code].name {
        "skincare" => 1.2 * woman + 0.8 * aged(25, 44) + 0.2 * urban(),
        "makeup" => 1.3 * woman + 0.6 * aged(15, 34),
        "supplement" => 1.2 * aged(50, 84) + 0.3 * woman,
        "coffee" => 0.4 * (1.0 - woman) + 0.8 * aged(30, 54) + 0.4 * urban(),
        "tea" => 0.5 * aged(45, 84) + 0.5 * lives_in(&[22, 26]),
        "snack" => 0.4 * aged(15, 29),
        "apparel" => 0.4 * woman + 0.3 * aged(15, 39),
        "kitchen" => 0.3 * woman + 0.3 * aged(30, 54),
        "book" => 0.3 * aged(40, 84),
        "garden" => 0.9 * aged(55, 84) + 0.4 * (1.0 - urban()),
        "kimono" => 0.8 * woman + 0.8 * aged(18, 25) + 0.8 * lives_in(&[26]),
        _ => 0.0,
    }
}
