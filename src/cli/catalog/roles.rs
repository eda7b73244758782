//! Which columns of a lake that nobody described mean what: by their names, and by what they hold.

use crate::lake::tables::{Holds, Surveyed, SurveyedColumn, spelling};

/// How columns are usually called, the likeliest first, as [`plain`] writes them.
const IDS: &[&str] = &[
    "userid",
    "customerid",
    "memberid",
    "personid",
    "clientid",
    "accountid",
    "householdid",
    "user",
    "customer",
    "member",
    "uid",
    "visitorid",
    "id",
    "会員番号",
    "会員id",
    "顧客番号",
    "顧客id",
    "ユーザーid",
];
const AGES: &[&str] = &["age", "年齢", "agegroup"];
const BIRTHS: &[&str] = &["birthdate", "birthday", "dateofbirth", "dob", "birth", "born", "生年月日"];
const GENDERS: &[&str] = &["gender", "sex", "性別"];
const REGIONS: &[&str] = &[
    "region",
    "prefecture",
    "pref",
    "state",
    "province",
    "country",
    "area",
    "residencearea",
    "city",
    "都道府県",
    "地域",
];
const OPTED_OUT: &[&str] =
    &["optedout", "optout", "out", "unsubscribed", "donotcontact", "nomail", "mailng", "配信停止", "オプトアウト"];
const REGISTERED: &[&str] = &[
    "registered",
    "registeredat",
    "registrationdate",
    "joinedat",
    "joined",
    "signupat",
    "signupdate",
    "createdat",
    "会員登録日",
    "登録日",
];
const KINDS: &[&str] = &["kind", "eventtype", "eventname", "event", "action", "behaviortype", "type", "種別", "行動"];
const CATEGORIES: &[&str] = &[
    "category",
    "productcategory",
    "categoryid",
    "categorycode",
    "productsubclass",
    "subclass",
    "genre",
    "department",
    "brand",
    "カテゴリ",
    "カテゴリー",
    "分類",
    "商品分類",
];
const AMOUNTS: &[&str] = &[
    "amount",
    "amountyen",
    "totalamount",
    "salesprice",
    "sales",
    "revenue",
    "total",
    "price",
    "unitprice",
    "paid",
    "payment",
    "spend",
    "value",
    "金額",
    "売上",
    "購入金額",
];
/// Kinds that are a conversion more likely than others.
const CONVERSIONS: &[&str] = &["purchase", "buy", "order", "transaction", "conversion", "paid", "購入", "注文"];
/// More values than this are no codes of a gender.
const GENDERS_MAX: usize = 8;
const REGIONS_MAX: usize = 300;
const KINDS_MAX: usize = 100;
const CATEGORIES_MAX: usize = 500;

/// The columns of a table that no role was found for.
pub(super) fn unused<'s>(table: &'s Surveyed, used: &[Option<&SurveyedColumn>]) -> Vec<&'s str> {
    let is_used = |name: &str| used.iter().flatten().any(|column| column.name == name);
    table.columns.iter().map(|column| column.name.as_str()).filter(|name| !is_used(name)).collect()
}

/// The tables of a lake, by what they seem to be.
pub(super) struct Roles<'s> {
    pub(super) users: Users<'s>,
    pub(super) events: Vec<Events<'s>>,
}

pub(super) struct Users<'s> {
    pub(super) table: &'s Surveyed,
    pub(super) id: &'s SurveyedColumn,
    pub(super) age: Option<&'s SurveyedColumn>,
    pub(super) birth: Option<&'s SurveyedColumn>,
    pub(super) gender: Option<&'s SurveyedColumn>,
    pub(super) region: Option<&'s SurveyedColumn>,
    pub(super) opted_out: Option<&'s SurveyedColumn>,
    pub(super) registered: Option<&'s SurveyedColumn>,
}

impl<'s> Users<'s> {
    /// Columns that no role was found for.
    pub(super) fn others(&self) -> Vec<&'s str> {
        let profile = [self.age, self.birth, self.gender, self.region, self.opted_out, self.registered];
        unused(self.table, &[&[Some(self.id)], profile.as_slice()].concat())
    }
}

pub(super) struct Events<'s> {
    pub(super) table: &'s Surveyed,
    pub(super) user: &'s SurveyedColumn,
    pub(super) time: &'s SurveyedColumn,
    pub(super) kind: Option<&'s SurveyedColumn>,
    pub(super) category: Option<&'s SurveyedColumn>,
    pub(super) amount: Option<&'s SurveyedColumn>,
}

impl<'s> Roles<'s> {
    /// `None` where no table has one row a person, or none has events of these people.
    pub(super) fn of(tables: &'s [Surveyed]) -> Option<Self> {
        let table =
            tables.iter().filter_map(|table| Some((likely_users(table)?, table))).max_by_key(|(likely, _)| *likely)?.1;
        let users = users(table)?;
        let others = tables.iter().filter(|other| other.path != table.path);
        let events: Vec<Events> = others.filter_map(|other| events(other, users.id)).collect();
        (!events.is_empty()).then_some(Self { users, events })
    }
}

impl Events<'_> {
    /// Kinds, the likeliest conversion first.
    pub(super) fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> =
            self.kind.into_iter().flat_map(|kind| &kind.values).map(|(value, _)| value.as_str()).collect();
        let place = |kind: &&str| {
            let kind = plain(kind);
            CONVERSIONS.iter().position(|word| kind.contains(word)).unwrap_or(CONVERSIONS.len())
        };
        kinds.sort_by_key(place);
        kinds
    }
}

/// A name without case, width, spaces and marks.
fn plain(name: &str) -> String {
    spelling::plain(name).to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The column that is called by the likeliest of `names` and holds what it must.
fn named<'s>(
    table: &'s Surveyed,
    names: &[&str],
    fits: impl Fn(&SurveyedColumn) -> bool,
) -> Option<&'s SurveyedColumn> {
    let place = |column: &SurveyedColumn| {
        let own = plain(&column.name);
        names.iter().position(|name| *name == own).or_else(|| {
            let ends = |name: &&str| name.chars().count() > 2 && own.ends_with(*name);
            names.iter().position(ends).map(|place| place + names.len())
        })
    };
    let found = table.columns.iter().filter(|column| fits(column)).filter_map(|column| Some((place(column)?, column)));
    found.min_by_key(|(place, _)| *place).map(|(_, column)| column)
}

fn is_id(column: &SurveyedColumn) -> bool {
    matches!(column.holds, Holds::Text | Holds::WholeNumber)
}

/// Few values, written as text, whole numbers or a flag.
fn is_code(column: &SurveyedColumn, most: usize) -> bool {
    matches!(column.holds, Holds::Text | Holds::WholeNumber | Holds::Flag) && column.values.len() <= most
}

/// Whether each of the rows that were looked at has another value.
fn is_unique(column: &SurveyedColumn) -> bool {
    column.values.first().is_some_and(|(_, rows)| *rows == 1)
}

fn person(table: &Surveyed) -> Option<&SurveyedColumn> {
    named(table, IDS, |column| is_id(column) && is_unique(column))
        .or_else(|| table.columns.iter().find(|column| is_id(column) && is_unique(column) && column.missing == 0))
}

/// How much a table looks like people; `None` when it cannot be.
fn likely_users(table: &Surveyed) -> Option<usize> {
    person(table)?;
    let path = table.path.to_lowercase();
    let called = ["user", "customer", "member", "people", "person", "client", "profile", "会員", "顧客"];
    let by_name = if called.iter().any(|word| path.contains(word)) { 3 } else { 0 };
    let profile = [AGES, BIRTHS, GENDERS, REGIONS, OPTED_OUT];
    Some(by_name + profile.iter().filter(|names| named(table, names, |_| true).is_some()).count())
}

fn users(table: &Surveyed) -> Option<Users<'_>> {
    let birth = named(table, BIRTHS, |column| column.holds == Holds::Time);
    let age = if birth.is_some() { None } else { named(table, AGES, |column| column.holds == Holds::WholeNumber) };
    Some(Users {
        table,
        id: person(table)?,
        age,
        birth,
        gender: named(table, GENDERS, |column| is_code(column, GENDERS_MAX)),
        region: named(table, REGIONS, |column| is_code(column, REGIONS_MAX)),
        opted_out: named(table, OPTED_OUT, |column| column.holds == Holds::Flag || is_zero_or_one(column)),
        registered: named(table, REGISTERED, |column| column.holds == Holds::Time),
    })
}

fn is_zero_or_one(column: &SurveyedColumn) -> bool {
    !column.values.is_empty() && column.values.iter().all(|(value, _)| matches!(value.as_str(), "0" | "1"))
}

fn events<'s>(table: &'s Surveyed, id: &SurveyedColumn) -> Option<Events<'s>> {
    let time = table.columns.iter().find(|column| matches!(column.holds, Holds::Time | Holds::Instant))?;
    let known = |column: &&SurveyedColumn| {
        let of_users = |value: &str| id.values.iter().any(|(own, _)| own == value);
        column.values.iter().take(20).any(|(value, _)| of_users(value))
    };
    let user = table
        .columns
        .iter()
        .find(|column| column.name == id.name && is_id(column))
        .or_else(|| named(table, IDS, is_id))
        .or_else(|| table.columns.iter().filter(|column| is_id(column)).find(known))?;
    let is_other = |column: &SurveyedColumn| column.name != user.name;
    let kind = named(table, KINDS, |column| is_other(column) && is_code(column, KINDS_MAX));
    let may_be_category =
        |column: &SurveyedColumn| is_other(column) && is_id(column) && kind.is_none_or(|kind| kind.name != column.name);
    // Where none is called so, text with few values is.
    let grouping = |column: &&SurveyedColumn| {
        may_be_category(column) && column.holds == Holds::Text && (2..=CATEGORIES_MAX).contains(&column.values.len())
    };
    let category =
        named(table, CATEGORIES, may_be_category).or_else(|| table.columns.iter().find(|column| grouping(column)));
    let amount = named(table, AMOUNTS, |column| matches!(column.holds, Holds::Number | Holds::WholeNumber));
    Some(Events { table, user, time, kind, category, amount })
}
