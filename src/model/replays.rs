//! Replays in the store: `replays/<day>/<product>/<model id>.json` says what a model's past promised and what came, small enough
//! to be read by every request of that day.

use std::{collections::BTreeMap, time::SystemTime};

use bytes::Bytes;
use chrono::{NaiveDate, TimeDelta};
use futures::{StreamExt as _, TryStreamExt as _};

use super::{ModelError, replay::Kept};
use crate::{
    contracts::keys::{self, REPLAYS},
    lake::Store,
};

/// Days whose replays are read, and how far apart they are: closer ones would say nearly the same.
const DAYS: usize = 3;
const APART: TimeDelta = TimeDelta::days(28);
/// What is older says little about today, and is not looked for.
const OLDEST: TimeDelta = TimeDelta::days(182);
/// Objects that are listed or read at a time.
const TOGETHER: usize = 16;
/// Days that are looked at together for the next one that has replays; the first of them has some, as a rule.
const LOOK_TOGETHER: i64 = 7;

/// What a model of a product promised one horizon ago, and what came.
#[derive(Debug)]
pub struct ProductReplay {
    pub product: String,
    pub kept: Vec<Kept>,
}

impl AsRef<[Kept]> for ProductReplay {
    fn as_ref(&self) -> &[Kept] {
        &self.kept
    }
}

/// The replays of all products.
#[derive(Debug, Clone, Copy)]
pub struct Replays<'a> {
    pub store: &'a Store,
}

impl Replays<'_> {
    /// Keeps what the model `id` of a product promised, one that is for `day`.
    pub(super) async fn keep(&self, day: NaiveDate, product: &str, id: &str, kept: &[Kept]) -> Result<(), ModelError> {
        let bytes = serde_json::to_vec(kept)?;
        Ok(self.store.write(&keys::replay(day, product, id), Bytes::from(bytes)).await?)
    }

    /// Keys of what the requests of a snapshot's day are judged by, sorted: every product's replays of that day, or of the last
    /// one before it that has some, and of two more days, each a month earlier at least.
    pub async fn choose(&self, as_of: NaiveDate) -> Result<Vec<String>, ModelError> {
        let mut chosen: Vec<Vec<String>> = Vec::new();
        let mut latest = as_of;
        while chosen.len() < DAYS
            && let Some((day, keys)) = self.last_day(latest, as_of - OLDEST).await?
        {
            chosen.push(keys);
            latest = day - APART;
        }
        chosen.reverse();
        Ok(chosen.concat())
    }

    /// The last day from `latest` down to `oldest` that has replays, with their keys.
    async fn last_day(
        &self,
        latest: NaiveDate,
        oldest: NaiveDate,
    ) -> Result<Option<(NaiveDate, Vec<String>)>, ModelError> {
        let mut first = latest;
        while first >= oldest {
            let days = (0..LOOK_TOGETHER).map(|back| first - TimeDelta::days(back)).filter(|day| *day >= oldest);
            let found: Vec<(NaiveDate, Vec<String>)> = futures::stream::iter(days)
                .map(|day| async move { Ok::<_, ModelError>((day, self.of_day(day).await?)) })
                .buffered(TOGETHER)
                .try_collect()
                .await?;
            if let Some(found) = found.into_iter().find(|(_, keys)| !keys.is_empty()) {
                return Ok(Some(found));
            }
            first -= TimeDelta::days(LOOK_TOGETHER);
        }
        Ok(None)
    }

    /// One key a product. A day that was built again has several models of a product; the last one knows best.
    async fn of_day(&self, day: NaiveDate) -> Result<Vec<String>, ModelError> {
        let mut newest = BTreeMap::<String, (SystemTime, String)>::new();
        for (object, written) in self.store.list_dated(&format!("{REPLAYS}{day}/")).await? {
            let found = (written, object.key);
            let last = newest.entry(product_of(&found.1).to_owned()).or_insert_with(|| found.clone());
            *last = found.max(last.clone());
        }
        Ok(newest.into_values().map(|(_, key)| key).collect())
    }

    /// What the named replays promised and what came, in the order of their keys.
    pub async fn read(&self, keys: &[String]) -> Result<Vec<ProductReplay>, ModelError> {
        let reads = keys.iter().map(|key| async move {
            let kept = serde_json::from_slice(&self.store.read(key).await?)?;
            Ok::<ProductReplay, ModelError>(ProductReplay { product: product_of(key).to_owned(), kept })
        });
        futures::stream::iter(reads).buffered(TOGETHER).try_collect().await
    }

    /// Removes what no request of `oldest` or later would read.
    pub async fn retire(&self, oldest: NaiveDate) -> Result<(), ModelError> {
        for object in self.store.list(REPLAYS).await? {
            if day_of(&object.key).is_some_and(|day| day < oldest - OLDEST) {
                self.store.delete(&object.key).await?;
            }
        }
        Ok(())
    }
}

fn day_of(key: &str) -> Option<NaiveDate> {
    key.strip_prefix(REPLAYS)?.split('/').next()?.parse().ok()
}

fn product_of(key: &str) -> &str {
    key.split('/').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::ExcludeConverted, lake::StoreOptions};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    async fn kept_on(days: &[&str]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let options =
            StoreOptions { cache_dir: folder.path().join("cache"), cache_bytes: 1 << 20, s3_path_style: true };
        let store = Store::open(&format!("file://{}", folder.path().join("store").display()), &options).await.unwrap();
        let kept = Kept { excluded: ExcludeConverted::Never, percent: 5, promised: 10.0, variance: 9.0, came: 11 };
        for text in days {
            for product in ["tea", "coffee"] {
                Replays { store: &store }.keep(day(text), product, "m1", &[kept]).await.unwrap();
            }
        }
        (folder, store)
    }

    #[tokio::test]
    async fn three_days_a_month_apart_are_chosen_and_nothing_later() {
        let days = [
            "2026-11-23",
            "2026-11-22",
            "2026-11-21",
            "2026-10-26",
            "2026-10-25",
            "2026-09-02",
            "2026-08-01",
            "2025-12-24",
        ];
        let (_folder, store) = kept_on(&days).await;
        let chosen = Replays { store: &store }.choose(day("2026-11-22")).await.unwrap();
        let expected = ["2026-09-02", "2026-10-25", "2026-11-22"]
            .map(|day| ["coffee", "tea"].map(|product| format!("replays/{day}/{product}/m1.json")))
            .concat();
        assert_eq!(chosen, expected);
        let read = Replays { store: &store }.read(&chosen).await.unwrap();
        assert_eq!((read.len(), read[0].product.as_str(), read[0].kept[0].came), (6, "coffee", 11));
        assert!(
            Replays { store: &store }.choose(day("2027-11-22")).await.unwrap().is_empty(),
            "too old to say anything"
        );
    }

    #[tokio::test]
    async fn of_two_models_of_a_day_the_last_one_counts_and_old_ones_go() {
        let (_folder, store) = kept_on(&["2026-11-22", "2025-12-24"]).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let replays = Replays { store: &store };
        replays.keep(day("2026-11-22"), "tea", "a-later-one", &[]).await.unwrap();
        let chosen = replays.choose(day("2026-11-22")).await.unwrap();
        assert_eq!(chosen, ["replays/2026-11-22/coffee/m1.json", "replays/2026-11-22/tea/a-later-one.json"]);
        replays.retire(day("2026-11-22")).await.unwrap();
        assert_eq!(store.list(REPLAYS).await.unwrap().len(), 3);
    }
}
