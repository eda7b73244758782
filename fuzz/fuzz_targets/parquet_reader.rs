//! Whatever the bytes of a Parquet file of `users`, as many people are read as its footer says, or none and an error.
#![no_main]

use std::{num::NonZeroUsize, path::PathBuf, sync::LazyLock};

use chrono::NaiveDate;
use libfuzzer_sys::fuzz_target;
use segment_bot::{
    catalog::Catalog,
    lake::{Store, StoreOptions, tables::Users},
};

const CATALOG: &str = r#"
version = 1
time_zone = "Asia/Tokyo"
fallback_locale = "ja"
owner = "data team"
age = { min = 15, max = 79 }
users = { path = "users.parquet", id = "id", age = "age", gender = "sex", opted_out = "out" }
genders = [{ id = "f", code = "F", ja = "女性", en = "Women" }]
events = [{ name = "e", path = "e/*.parquet", user = "id", time = "at", kind_is = "purchase" }]
products = [{ id = "tea", ja = "お茶", en = "Tea", kind = "purchase", horizon_days = 28 }]
"#;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    // Decoders may panic at damaged files; whoever calls them answers for it.
    std::panic::set_hook(Box::new(|_| {}));
    let folder = std::env::temp_dir().join(format!("parquet_reader-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
});
static CATALOGUE: LazyLock<Catalog> = LazyLock::new(|| Catalog::parse(CATALOG).expect("a catalog"));
static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime"));

fuzz_target!(|bytes: &[u8]| {
    std::fs::write(FOLDER.join("users.parquet"), bytes).expect("a file");
    RUNTIME.block_on(async {
        let options = StoreOptions { cache_dir: FOLDER.join("cache"), cache_bytes: 1 << 20, s3_path_style: false };
        let lake = Store::open(&format!("file://{}", FOLDER.display()), &options).await.expect("a folder");
        let day = NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day");
        let Ok(users) = Users::open(&lake, &CATALOGUE, day).await else { return };
        let together = NonZeroUsize::new(1_000).expect("not 0");
        let Ok(mut people) = users.people(together).await else { return };
        tokio::task::block_in_place(|| {
            while people.next(together.get()).is_ok_and(|frame| frame.height() > 0) {}
        });
    });
});
