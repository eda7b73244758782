//! Everything in the catalog that decides a snapshot's values, as one hash. Names and limits are not in it.

use serde_json::{Value, json};

use crate::{
    catalog::{
        AgeColumn, AmountUnit, Attribute, AttributeValues, Catalog, EventsTable, FeatureDecl, KindColumn, Product,
        UsersTable,
    },
    digest::sha256_hex,
};

/// Raised when the same catalog and input would give other values than before.
const VALUES_VERSION: u32 = 4;

/// Two catalogs with the same hash give the same snapshot.
pub(super) fn definition_sha256(catalog: &Catalog) -> String {
    let mut definition = json!({
        "values_version": VALUES_VERSION,
        "time_zone": catalog.time_zone.name(),
        "users": users(&catalog.users),
        "events": catalog.events.iter().map(events).collect::<Vec<_>>(),
        "genders": catalog.genders.iter().map(|gender| json!([gender.id, gender.code])).collect::<Vec<_>>(),
        "regions": catalog.regions.iter().map(|region| &region.code).collect::<Vec<_>>(),
        "products": catalog.products.iter().map(product).collect::<Vec<_>>(),
        "features": catalog.features.iter().map(feature).collect::<Vec<_>>(),
    });
    // Where there are none, the hash is what it was before there could be any.
    if !catalog.attributes.is_empty() {
        definition["attributes"] = catalog.attributes.iter().map(attribute).collect();
    }
    sha256_hex(definition.to_string())
}

fn users(table: &UsersTable) -> Value {
    let UsersTable { path, id, age, gender, region, opted_out, registered, dumps, csv } = table;
    let age = age.as_ref().map(|age| match age {
        AgeColumn::Years(column) => json!({ "years": column }),
        AgeColumn::BirthDate(column) => json!({ "birth_date": column }),
    });
    json!({
        "path": path, "id": id, "age": age, "gender": gender, "region": region, "opted_out": opted_out,
        "registered": registered,
        "dumps": dumps.map(|dumps| format!("{dumps:?}")), "csv": [json!(csv.separator), json!(csv.null)],
    })
}

fn attribute(attribute: &Attribute) -> Value {
    let Attribute { id, column, names: _, values, is_feature, is_condition } = attribute;
    let values: Vec<Value> = match values {
        AttributeValues::Codes(codes) => codes.iter().map(|code| json!([code.choice.id, code.code])).collect(),
        AttributeValues::Numbers(bands) => {
            bands.iter().map(|band| json!([band.choice.id, band.from, band.below])).collect()
        }
    };
    json!({ "id": id, "column": column, "values": values, "is_feature": is_feature, "is_condition": is_condition })
}

/// How an events table is found and read.
pub(super) fn events(table: &EventsTable) -> Value {
    let EventsTable {
        name,
        path,
        user,
        time,
        time_zone,
        kind,
        category,
        amount,
        amount_decimals,
        amount_unit,
        extra,
        csv,
    } = table;
    let kind = match kind {
        KindColumn::Column(column) => json!({ "column": column }),
        KindColumn::Constant(kind) => json!({ "constant": kind }),
    };
    json!({
        "name": name, "path": path, "user": user, "time": time, "time_zone": time_zone.map(chrono_tz::Tz::name),
        "kind": kind, "category": category, "amount": amount, "amount_decimals": amount_decimals,
        "amount_is_minor": *amount_unit == AmountUnit::Minor, "extra": extra,
        "csv": [json!(csv.separator), json!(csv.null)],
    })
}

fn product(product: &Product) -> Value {
    let conversion = &product.conversion;
    json!({
        "id": product.id, "horizon_days": product.horizon_days,
        "table": conversion.table, "kind": conversion.kind, "categories": conversion.categories,
    })
}

fn feature(decl: &FeatureDecl) -> Value {
    let FeatureDecl {
        name,
        names: _,
        product: _,
        table,
        kinds,
        categories,
        measure,
        of,
        windows_days,
        by_category_top,
    } = decl;
    json!({
        "name": name, "table": table, "kinds": kinds, "categories": categories, "measure": measure, "of": of,
        "windows_days": windows_days, "by_category_top": by_category_top,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = include_str!("../demo/catalog.toml");

    fn hash(from: &str, to: &str) -> String {
        assert!(CATALOG.contains(from), "the test replaces text that is there");
        definition_sha256(&Catalog::parse(&CATALOG.replacen(from, to, 1)).unwrap())
    }

    #[test]
    fn only_what_decides_values_is_in_the_hash() {
        let now = definition_sha256(&Catalog::parse(CATALOG).unwrap());
        assert_eq!(hash("商品閲覧", "見た商品"), now);
        assert_eq!(hash("hidden_cell = 10", "hidden_cell = 11"), now);
        assert_ne!(hash("Asia/Tokyo", "Asia/Taipei"), now);
        assert_ne!(hash("windows_days = [7, 30]", "windows_days = [7, 31]"), now);
        assert_ne!(hash("horizon_days = 28", "horizon_days = 29"), now);
        assert_ne!(hash("code = \"F\"", "code = \"W\""), now);
    }
}
