//! Every text that a person sees in Slack, in both languages. The words lie in `locales/`, never in Rust code.

mod numbers;

use std::collections::HashMap;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use crate::catalog::Locale;

pub use numbers::{fixed, grouped, percent};

/// The files of one language, in the order of `locales/`.
type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($language:literal: $($name:literal),+) => {
        &[$(($name, include_str!(concat!("../locales/", $language, "/", $name, ".ftl")))),+]
    };
}

const JA: Files = files!("ja": "command", "form", "home", "incidents", "messages", "result", "words");
const EN: Files = files!("en": "command", "form", "home", "incidents", "messages", "result", "words");

/// Values for a text's variables, by name.
pub type Args<'a> = [(&'static str, FluentValue<'a>)];

/// Both languages, parsed.
pub struct Texts {
    bundles: HashMap<Locale, FluentBundle<FluentResource>>,
}

/// A text file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("locales/{language}/{file}.ftl: {problem}")]
pub struct TextsError {
    language: &'static str,
    file: &'static str,
    problem: String,
}

impl Texts {
    /// Parses the files that were compiled in.
    pub fn load() -> Result<Self, TextsError> {
        let bundles = Locale::ALL.into_iter().map(|locale| Ok((locale, bundle(locale)?))).collect::<Result<_, _>>()?;
        Ok(Self { bundles })
    }

    /// The text `key` in `locale`. An unknown key comes back as itself and is logged; a test keeps that from happening.
    pub fn get(&self, locale: Locale, key: &str, args: &Args<'_>) -> String {
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, value) in args {
            values.set(*name, value.clone());
        }
        let bundle = self.bundles.get(&locale);
        let pattern = bundle.and_then(|bundle| bundle.get_message(key)?.value().map(|value| (bundle, value)));
        let Some((bundle, pattern)) = pattern else {
            tracing::error!(key, locale = locale.as_str(), "a text is missing");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, locale = locale.as_str(), ?errors, "a text lacks a value");
        }
        text
    }

    /// This language alone.
    pub fn say(&self, locale: Locale) -> Say<'_> {
        Say { texts: self, locale }
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

/// Texts in the language of one person.
#[derive(Debug, Clone, Copy)]
pub struct Say<'a> {
    texts: &'a Texts,
    pub locale: Locale,
}

impl Say<'_> {
    /// A text without variables.
    pub fn text(&self, key: &str) -> String {
        self.texts.get(self.locale, key, &[])
    }

    /// A text with variables.
    pub fn with(&self, key: &str, args: &Args<'_>) -> String {
        self.texts.get(self.locale, key, args)
    }

    /// Sentences one after the other.
    pub fn sentences<T: AsRef<str>>(&self, sentences: impl IntoIterator<Item = T>) -> String {
        let sentences: Vec<T> = sentences.into_iter().collect();
        let space = match self.locale {
            Locale::Ja => "",
            Locale::En => " ",
        };
        sentences.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(space)
    }

    /// Words joined as this language lists them.
    pub fn list<T: AsRef<str>>(&self, words: impl IntoIterator<Item = T>) -> String {
        let words: Vec<T> = words.into_iter().collect();
        let separator = match self.locale {
            Locale::Ja => "、",
            Locale::En => ", ",
        };
        words.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(separator)
    }
}

fn bundle(locale: Locale) -> Result<FluentBundle<FluentResource>, TextsError> {
    let (language, files) = match locale {
        Locale::Ja => ("ja", JA),
        Locale::En => ("en", EN),
    };
    let tag: LanguageIdentifier = language.parse().expect("a literal language tag");
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // Isolation marks show as boxes in some Slack clients, and both languages run left to right.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(numbers::format));
    for (file, text) in files {
        let error = |problem| TextsError { language, file, problem };
        let resource =
            FluentResource::try_new((*text).to_owned()).map_err(|(_, problems)| error(format!("{problems:?}")))?;
        bundle.add_resource(resource).map_err(|problems| error(format!("{problems:?}")))?;
    }
    Ok(bundle)
}

#[cfg(test)]
mod tests;
