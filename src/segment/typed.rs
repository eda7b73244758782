//! Typed text as it was meant: what phones, input methods and word processors make of dashes, quotation marks, commas,
//! spaces and equals signs is read as the plain character. What could be meant in two ways is refused with both.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::{Draft, Problem};
use crate::catalog::{Catalog, Field};

/// Dashes, tildes and what Japanese keyboards have in their place.
const DASHES: &[char] =
    &['-', '‐', '‑', '‒', '–', '—', '―', '⁃', '−', '－', '﹣', '─', 'ー', 'ｰ', '~', '〜', '～', '∼', '˜'];
const COMMAS: &[char] = &[',', '，', '、', '､', '・', '･', ';', '；', '﹐', '﹑'];
const EQUALS: &[char] = &['=', '＝', '﹦', '꞊'];
/// Any of them closes what any of them opened.
const DOUBLE_QUOTES: &[char] = &['"', '“', '”', '„', '‟', '＂', '〝', '〞', '〟'];
const SINGLE_QUOTES: &[char] = &['\'', '‘', '’', '‚', '‛', '＇'];
/// What opens a value and what closes it.
const BRACKETS: &[(char, char)] = &[('«', '»'), ('»', '«'), ('‹', '›'), ('「', '」'), ('『', '』'), ('｢', '｣')];

/// A typed line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedLine {
    tokens: Vec<Token>,
    /// Whether `--go` is in it.
    pub at_once: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word { text: String, is_quoted: bool },
    Equals,
}

/// Text as its plain characters: compatibility forms folded (NFKC), invisible characters left out, spaces trimmed.
pub fn plain(text: &str) -> String {
    let folded: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
    folded.trim().to_owned()
}

/// [`plain`] text in small letters, to compare names by.
pub(super) fn folded(text: &str) -> String {
    plain(text).to_lowercase()
}

/// Marks of direction and order, joiners, spaces without width.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

impl TypedLine {
    /// Takes a line apart.
    pub fn read(line: &str) -> Result<Self, Problem> {
        let mut tokens = tokens(line)?;
        let words = tokens.len();
        tokens.retain(|token| !matches!(token, Token::Word { text, is_quoted: false } if is_go(text)));
        let at_once = tokens.len() < words;
        Ok(Self { tokens, at_once })
    }

    /// Whether something is given as `key=value`.
    pub fn has_conditions(&self) -> bool {
        self.tokens.contains(&Token::Equals)
    }

    /// Whether nothing is left beside `--go`.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The word at `place`, from 0, in plain characters.
    pub fn word(&self, place: usize) -> Option<String> {
        match self.tokens.get(place)? {
            Token::Word { text, .. } => Some(plain(text)),
            Token::Equals => None,
        }
    }

    /// Reads `product=tea gender=f age=25-39 region=tokyo,osaka size=5000 converted=90d name="Spring sale"`.
    ///
    /// Values are not checked here, see [`Draft::problems`]; keys are.
    pub fn draft(&self, catalog: &Catalog) -> Result<Draft, Problem> {
        let (mut draft, mut seen) = (Draft::default(), BTreeSet::new());
        let mut rest = self.tokens.as_slice();
        while let Some((condition, after)) = Condition::first(rest) {
            let field = condition.field(catalog)?;
            if condition.value.is_empty() {
                return Err(Problem::NoValue { word: condition.key });
            }
            if !seen.insert(condition.key.clone()) {
                return Err(Problem::Twice { word: condition.key });
            }
            if let Some(stray) = stray(catalog, after) {
                condition.refuse_with(&field, stray)?;
            }
            draft.set(&field, &condition.value);
            rest = after;
        }
        Ok(draft)
    }
}

/// One `key=value`.
struct Condition {
    key: String,
    value: String,
}

impl Condition {
    /// The first of `tokens`, and what comes after it.
    fn first(tokens: &[Token]) -> Option<(Self, &[Token])> {
        let (key, mut rest) = match tokens {
            [] => return None,
            [Token::Equals, rest @ ..] => ("=".to_owned(), rest),
            [Token::Word { text, .. }, Token::Equals, rest @ ..] => (folded(text), rest),
            [Token::Word { text, .. }, rest @ ..] => {
                return Some((Self { key: folded(text), value: String::new() }, rest));
            }
        };
        let is_name = key == Field::Name.key();
        let mut value = String::new();
        while let Some((text, is_quoted, after)) = next_value(rest) {
            let joins = value.ends_with(is_joint) || (!is_quoted && text.starts_with(is_joint));
            if !value.is_empty() && (is_name || !joins) {
                break;
            }
            value.push_str(text);
            rest = after;
            if is_quoted && is_name {
                break;
            }
        }
        Some((Self { key, value }, rest))
    }

    fn field(&self, catalog: &Catalog) -> Result<Field, Problem> {
        Field::of_key(catalog, &self.key).ok_or_else(|| Problem::unknown_key(catalog, &self.key))
    }

    /// A word without a key after a value may belong to it.
    fn refuse_with(&self, field: &Field, stray: &str) -> Result<(), Problem> {
        let Self { key, value } = self;
        let alone = format!("{key}={value}");
        let are_digits = |text: &str| plain(text).bytes().all(|byte| byte.is_ascii_digit());
        let joined = match field {
            Field::Name => format!("{key}=\"{value} {stray}\""),
            Field::Gender | Field::Region | Field::Without | Field::Attribute(_) => format!("{key}={value},{stray}"),
            Field::Age if are_digits(stray) => format!("{key}={value}-{stray}"),
            Field::Size if are_digits(stray) => format!("{key}={value}{stray}"),
            _ => return Ok(()),
        };
        Err(Problem::TwoReadings { field: field.clone(), text: format!("{alone} {stray}"), one: joined, other: alone })
    }
}

/// The next word, unless it is a key.
fn next_value(tokens: &[Token]) -> Option<(&str, bool, &[Token])> {
    match tokens {
        [Token::Word { .. }, Token::Equals, ..] => None,
        [Token::Word { text, is_quoted }, rest @ ..] => Some((text, *is_quoted, rest)),
        _ => None,
    }
}

/// A word that neither is a key nor looks like a condition that lost its equals sign.
fn stray<'t>(catalog: &Catalog, tokens: &'t [Token]) -> Option<&'t str> {
    let (text, ..) = next_value(tokens)?;
    Field::of_key(catalog, &folded(text)).is_none().then_some(text)
}

/// What stands between two parts of one value.
fn is_joint(c: char) -> bool {
    COMMAS.contains(&c) || (DASHES.contains(&c) && c != 'ー' && c != 'ｰ')
}

/// `--go`, also where the keyboard made one dash of two.
fn is_go(word: &str) -> bool {
    let dashes = word.chars().take_while(|c| DASHES.contains(c)).count();
    let go: String = word.chars().skip(dashes).collect();
    let is_dashed = dashes >= 2 || (dashes == 1 && !word.starts_with('-'));
    is_dashed && folded(&go) == "go"
}

fn tokens(line: &str) -> Result<Vec<Token>, Problem> {
    // Joiners stay for now: they hold emoji together.
    let chars: Vec<char> = line.nfc().filter(|c| !is_invisible(*c) || matches!(c, '\u{200d}')).collect();
    let (mut tokens, mut word, mut is_quoted, mut at) = (Vec::new(), String::new(), false, 0);
    let end = |tokens: &mut Vec<Token>, word: &mut String, is_quoted: &mut bool| {
        if !word.is_empty() {
            tokens.push(Token::Word { text: std::mem::take(word), is_quoted: *is_quoted });
        }
        *is_quoted = false;
    };
    while at < chars.len() {
        let c = chars[at];
        if c.is_whitespace() {
            end(&mut tokens, &mut word, &mut is_quoted);
        } else if EQUALS.contains(&c) {
            end(&mut tokens, &mut word, &mut is_quoted);
            tokens.push(Token::Equals);
        } else if let Some(close) = closing(&chars, at, word.is_empty()) {
            word.extend(&chars[at + 1..close]);
            (is_quoted, at) = (true, close);
        } else if DOUBLE_QUOTES.contains(&c) {
            return Err(Problem::OpenQuote);
        } else {
            word.push(c);
        }
        at += 1;
    }
    end(&mut tokens, &mut word, &mut is_quoted);
    Ok(tokens)
}

/// Where the quotation ends that `chars[at]` opens; `None` when it opens none. Apostrophes and brackets open one only where
/// a word begins.
fn closing(chars: &[char], at: usize, begins_word: bool) -> Option<usize> {
    let find = |closes: &dyn Fn(usize) -> bool| (at + 1..chars.len()).find(|place| closes(*place));
    let opener = chars[at];
    if DOUBLE_QUOTES.contains(&opener) {
        return find(&|place| DOUBLE_QUOTES.contains(&chars[place]));
    }
    if !begins_word {
        return None;
    }
    if SINGLE_QUOTES.contains(&opener) {
        let ends_word = |place: usize| chars.get(place + 1).is_none_or(|next| next.is_whitespace());
        return find(&|place| SINGLE_QUOTES.contains(&chars[place]) && ends_word(place));
    }
    let (_, closer) = BRACKETS.iter().find(|(open, _)| *open == opener)?;
    find(&|place| chars[place] == *closer)
}

/// The parts of a list, each in plain characters.
pub(super) fn list(value: &str) -> Vec<String> {
    value.split(COMMAS).map(plain).filter(|part| !part.is_empty()).collect()
}

/// A range of ages as the two texts that [`Draft`] checks; `20代` is 20 to 29.
pub(super) fn ages(value: &str) -> (String, String) {
    let value = plain(&value.replace(DASHES, "-")).replace("から", "-").replace("まで", "");
    let mut parts = value.split('-').map(str::trim);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(one), None, _) => (years(one, "0"), years(one, "9")),
        (Some(from), Some(to), None) => (years(from, "0"), years(to, "9")),
        _ => (value.clone(), value),
    }
}

/// `39歳` is 39; the decade `30代` begins with 30 and ends with 39.
fn years(text: &str, of_decade: &str) -> String {
    let number = |unit: &str| text.strip_suffix(unit).filter(|number| !number.is_empty()).map(str::trim);
    match number("代").and_then(|decade| decade.strip_suffix('0')) {
        Some(tens) => format!("{tens}{of_decade}"),
        None => ["歳", "才"].into_iter().find_map(number).unwrap_or(text).to_owned(),
    }
}

/// What separates the digits of a number must part them in threes; else the digits could be those of a fraction.
pub(super) fn whole_number(field: Field, value: &str) -> Result<String, Problem> {
    let text: String = plain(value).chars().filter(|c| !c.is_whitespace()).collect();
    let text = ["人", "名"].into_iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text).to_owned();
    let (digits, percent) = text.strip_suffix('%').map_or((text.as_str(), ""), |digits| (digits, "%"));
    let is_mark = |c: char| COMMAS.contains(&c) || matches!(c, '.' | '_' | '\'');
    let parts: Vec<&str> = digits.split(is_mark).collect();
    let are_digits = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let mark = digits.chars().find(|c| is_mark(*c));
    let (Some(mark), true) = (mark, are_digits) else { return Ok(text) };
    let in_threes = parts[0].len() <= 3 && parts[1..].iter().all(|part| part.len() == 3);
    if in_threes && mark != '.' {
        return Ok(format!("{}{percent}", parts.concat()));
    }
    if parts.len() == 2 && mark == '.' && !in_threes {
        // A fraction and nothing else; it is refused as one.
        return Ok(text.clone());
    }
    let key = field.key().to_owned();
    let other = if mark != '.' && parts.len() == 2 { parts.join(".") } else { parts[0].to_owned() };
    let (one, other) = (format!("{key}={}{percent}", parts.concat()), format!("{key}={other}{percent}"));
    Err(Problem::TwoReadings { field, text: format!("{key}={value}"), one, other })
}

/// Refuses ages that a comma parts: a range, or single years?
pub(super) fn refuse_listed_ages(value: &str) -> Result<(), Problem> {
    match list(value).as_slice() {
        [from, to] => Err(Problem::TwoReadings {
            field: Field::Age,
            text: format!("age={value}"),
            one: format!("age={from}-{to}"),
            other: format!("age={from}"),
        }),
        _ => Ok(()),
    }
}
