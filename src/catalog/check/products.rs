//! Products: what counts as their conversion, and the defaults of their requests.

use toml::Spanned;

use super::{CatalogProblem, Checker};
use crate::{
    catalog::{
        Attribute, CONTROL_PERCENT_MAX, Conversion, EventsTable, ExcludeConverted, FeatureDecl, Names, Product,
        ProductId, raw::RawProduct,
    },
    contracts::columns,
};

/// The highest priority that a product may have.
const PRIORITY_MAX: u8 = 9;

impl Checker<'_> {
    pub(super) fn products(
        &self,
        raw: Vec<RawProduct>,
        events: &[EventsTable],
    ) -> Result<(Vec<Product>, Vec<Spanned<String>>), CatalogProblem> {
        if raw.is_empty() {
            return self.fail(0..0, "at least one `[[products]]` is needed");
        }
        self.unique("product", raw.iter().map(|product| &product.id))?;
        let mut forbidden = Vec::new();
        let products = raw
            .into_iter()
            .map(|product| {
                forbidden.extend(product.forbidden_features.iter().cloned());
                self.product(product, events)
            })
            .collect::<Result<_, _>>()?;
        Ok((products, forbidden))
    }

    fn product(&self, raw: RawProduct, events: &[EventsTable]) -> Result<Product, CatalogProblem> {
        self.name_shape(&raw.id)?;
        if !(1..=366).contains(raw.horizon_days.get_ref()) {
            return self.fail(
                raw.horizon_days.span(),
                "`horizon_days` is 1 to 366: how long after a snapshot a conversion counts",
            );
        }
        let table = self.table(raw.table.as_ref(), &raw.id, events)?;
        if !raw.categories.is_empty() && table.category.is_none() {
            return self
                .fail(raw.id.span(), format!("events table `{}` has no category column to filter by", table.name));
        }
        let exclude_converted = match &raw.exclude_converted {
            None => ExcludeConverted::Never,
            Some(text) => text.get_ref().parse().or_else(|_| {
                self.fail(text.span(), "`exclude_converted` is never, ever or a number of days such as 90d")
            })?,
        };
        let control_percent = raw.control_percent.as_ref().map_or(0, |percent| *percent.get_ref());
        if control_percent > CONTROL_PERCENT_MAX {
            let range = format!("`control_percent` is 0 to {CONTROL_PERCENT_MAX}: the share kept out of delivery");
            return self.fail(raw.control_percent.map_or(0..0, |percent| percent.span()), range);
        }
        let priority = raw.priority.as_ref().map_or(0, |priority| *priority.get_ref());
        if priority > PRIORITY_MAX {
            let range = format!("`priority` is 0 to {PRIORITY_MAX}: requests of a higher one start first");
            return self.fail(raw.priority.map_or(0..0, |priority| priority.span()), range);
        }
        Ok(Product {
            id: ProductId::new(raw.id.into_inner()),
            names: Names::new(raw.ja, raw.en),
            search: raw.search,
            conversion: Conversion { table: table.name.clone(), kind: raw.kind, categories: raw.categories },
            horizon_days: raw.horizon_days.into_inner(),
            min_conversions: raw.min_conversions.unwrap_or(50),
            exclude_converted,
            control_percent,
            priority,
            forbidden_features: raw.forbidden_features.into_iter().map(Spanned::into_inner).collect(),
            allowed_channels: raw.allowed_channels,
        })
    }

    pub(super) fn forbidden_exist(
        &self,
        forbidden: &[Spanned<String>],
        (features, rhythm): (&[FeatureDecl], &[FeatureDecl]),
        attributes: &[Attribute],
    ) -> Result<(), CatalogProblem> {
        for name in forbidden {
            let profile = [columns::AGE, columns::GENDER, columns::REGION].contains(&name.get_ref().as_str())
                || attributes.iter().any(|attribute| attribute.id.as_str() == name.get_ref());
            let mut features = features.iter().chain(rhythm);
            if !profile && !features.any(|feature| feature.name == *name.get_ref()) {
                return self.fail(
                    name.span(),
                    format!(
                        "`{}` is no feature; forbid age, gender, region, an attribute's id or a feature's name",
                        name.get_ref()
                    ),
                );
            }
        }
        Ok(())
    }
}
