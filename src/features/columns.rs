//! What a snapshot's columns are called, in code and in words.

use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, FeatureDecl, Names, Product, ProductId},
    contracts::columns::{AGE, GENDER, HAS_EVENTS, OPTED_OUT, REGION, USER_ID, converted_on},
};

/// A column of a snapshot, as its manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotColumn {
    /// As in the Parquet files.
    pub name: String,
    pub role: ColumnRole,
    /// `false` for a category that only an earlier snapshot's ranking chose; carried so that its models find it.
    pub own: bool,
    /// Of a product's rhythm, the product: no other's models see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductId>,
    /// What people read, with window and category.
    pub words: Names,
    /// Name of the declared feature; for other columns the column's own name.
    pub feature: String,
}

/// What a column is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    Id,
    Profile,
    /// Known of a person, and asked for, but not learned from.
    Condition,
    Conversion,
    Feature,
}

/// `purchases_30d`, `views_30d:skincare`, `recency_of:skincare`, `recency`.
pub(super) fn feature_column(name: &str, window_days: Option<u16>, category: Option<&str>) -> String {
    let window = window_days.map_or_else(String::new, |days| format!("_{days}d"));
    let category = category.map_or_else(String::new, |category| format!(":{category}"));
    format!("{name}{window}{category}")
}

/// The columns before the features: who it is, and when each product was last bought.
pub(super) fn fixed_columns(catalog: &Catalog) -> Vec<SnapshotColumn> {
    let profile = |name, role, ja, en| plain(name, role, Names::new(ja, en));
    let mut columns = vec![
        profile(USER_ID, ColumnRole::Id, "ユーザーID", "user id"),
        profile(AGE, ColumnRole::Profile, "年齢", "age"),
        profile(GENDER, ColumnRole::Profile, "性別", "gender"),
        profile(REGION, ColumnRole::Profile, "地域", "region"),
        profile(OPTED_OUT, ColumnRole::Profile, "配信停止", "opted out"),
        profile(HAS_EVENTS, ColumnRole::Profile, "行動の有無", "has events"),
    ];
    columns.extend(catalog.attributes.iter().map(|attribute| {
        let role = if attribute.is_feature { ColumnRole::Profile } else { ColumnRole::Condition };
        plain(attribute.id.as_str(), role, attribute.names.clone())
    }));
    columns.extend(catalog.products.iter().map(conversion));
    columns
}

fn conversion(product: &Product) -> SnapshotColumn {
    let Names { ja, en } = &product.names;
    let name = converted_on(&product.id);
    plain(
        &name,
        ColumnRole::Conversion,
        Names::new(format!("最後のコンバージョン日（{ja}）"), format!("day of the last conversion, {en}")),
    )
}

fn plain(name: &str, role: ColumnRole, words: Names) -> SnapshotColumn {
    SnapshotColumn { name: name.to_owned(), role, own: true, product: None, words, feature: name.to_owned() }
}

/// One column of a declared feature.
pub(super) fn feature(
    decl: &FeatureDecl,
    window_days: Option<u16>,
    category: Option<&str>,
    own: bool,
) -> SnapshotColumn {
    SnapshotColumn {
        name: feature_column(&decl.name, window_days, category),
        role: ColumnRole::Feature,
        own,
        product: decl.product.clone(),
        words: feature_words(&decl.names, window_days, category),
        feature: decl.name.clone(),
    }
}

fn feature_words(names: &Names, window_days: Option<u16>, category: Option<&str>) -> Names {
    let ja_window = window_days.map(|days| format!("直近{days}日"));
    let ja_parts: Vec<&str> = ja_window.as_deref().into_iter().chain(category).collect();
    let ja = if ja_parts.is_empty() { names.ja.clone() } else { format!("{}（{}）", names.ja, ja_parts.join("・")) };
    let en_window = window_days.map(|days| if days == 1 { "last day".to_owned() } else { format!("last {days} days") });
    let en: Vec<&str> = std::iter::once(names.en.as_str()).chain(en_window.as_deref()).chain(category).collect();
    Names::new(ja, en.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(window_days: Option<u16>, category: Option<&str>) -> String {
        let names = feature_words(&Names::new("商品閲覧", "product views"), window_days, category);
        format!("{} | {} | {}", feature_column("views", window_days, category), names.ja, names.en)
    }

    #[test]
    fn columns_have_names_for_code_and_words_for_people() {
        insta::assert_snapshot!(both(None, None), @"views | 商品閲覧 | product views");
        insta::assert_snapshot!(both(Some(30), None), @"views_30d | 商品閲覧（直近30日） | product views, last 30 days");
        insta::assert_snapshot!(both(Some(1), Some("skincare")), @"views_1d:skincare | 商品閲覧（直近1日・skincare） | product views, last day, skincare");
        insta::assert_snapshot!(both(None, Some("skincare")), @"views:skincare | 商品閲覧（skincare） | product views, skincare");
    }
}
