//! Identifiers that the catalog hands out.

/// Declares a text identifier: printable as it is, transparent in serde.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub(crate) fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A product's id, as typed in `product=…`.
    ProductId
);
text_id!(
    /// A gender's id, as typed in `gender=…`.
    GenderId
);
text_id!(
    /// An attribute's id, as typed in `rank=…`.
    AttributeId
);
text_id!(
    /// A region's code, as it stands in the data.
    RegionCode
);
