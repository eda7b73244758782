//! The lake's promises, the same for a folder and for a bucket on a real S3 server.

mod damaged_tables;
#[path = "support/s3.rs"]
pub(crate) mod s3;
mod s3_answers;
mod s3_faults;

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use s3::{Server, inside, make_bucket};
use segment_bot::lake::{LakeError, Object, Store, StoreOptions};

async fn open(url: &str, cache: &Path) -> Store {
    let options = StoreOptions { cache_dir: cache.to_owned(), cache_bytes: 1 << 30, s3_path_style: true };
    Store::open(url, &options).await.unwrap()
}

async fn in_folder() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("file://{}/store", folder.path().display()), folder.path()).await;
    (folder, store)
}

async fn in_bucket(bucket: &str) -> (tempfile::TempDir, Store) {
    make_bucket(bucket);
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("s3://{bucket}/some/prefix"), folder.path()).await;
    (folder, store)
}

#[tokio::test]
async fn what_is_stored_is_for_its_owner_alone() {
    let (folder, store) = in_folder().await;
    let input = folder.path().join("store/users/part.parquet");
    std::fs::create_dir_all(input.parent().unwrap()).unwrap();
    std::fs::write(&input, "x").unwrap();
    std::fs::set_permissions(&input, Permissions::from_mode(0o644)).unwrap();
    store.write("segments/1/segment.csv", Bytes::from_static(b"rank,user_id")).await.unwrap();
    store.write_file("snapshots/part.parquet", &input).await.unwrap();
    let mode =
        |key: &str| std::fs::metadata(folder.path().join("store").join(key)).unwrap().permissions().mode() & 0o777;
    for key in ["segments/1/segment.csv", "snapshots/part.parquet"] {
        assert_eq!(mode(key), 0o600, "{key}");
    }
    for key in ["segments", "segments/1", "snapshots"] {
        assert_eq!(mode(key), 0o700, "{key}");
    }
    assert_eq!(mode("users/part.parquet"), 0o644, "what the operator put there is the operator's");
}

/// What both kinds of store promise.
async fn keeps_its_promises(store: &Store, scratch: &Path) {
    assert_eq!(store.list("").await.unwrap(), []);
    assert!(matches!(store.read("a/b.txt").await, Err(LakeError::Missing { key, .. }) if key == "a/b.txt"));
    assert!(matches!(store.local("a/b.txt").await, Err(LakeError::Missing { .. })));
    assert!(!store.exists("a/b.txt").await.unwrap());

    store.write("a/b.txt", Bytes::from_static(b"one")).await.unwrap();
    store.write("a/b.txt", Bytes::from_static(b"three")).await.unwrap();
    store.write("a/c/d.txt", Bytes::new()).await.unwrap();
    let file = scratch.join("from-a-file");
    std::fs::write(&file, b"four").unwrap();
    store.write_file("ab.txt", &file).await.unwrap();

    assert_eq!(store.read("a/b.txt").await.unwrap(), "three");
    assert!(store.exists("a/b.txt").await.unwrap());
    assert_eq!(std::fs::read(store.local("ab.txt").await.unwrap()).unwrap(), b"four");
    let listed = |objects: Vec<Object>| -> Vec<(String, u64)> {
        objects.into_iter().map(|object| (object.key, object.bytes)).collect()
    };
    let all = [("a/b.txt".to_owned(), 5), ("a/c/d.txt".to_owned(), 0), ("ab.txt".to_owned(), 4)];
    assert_eq!(listed(store.list("").await.unwrap()), all);
    assert_eq!(listed(store.list("a").await.unwrap()), all);
    assert_eq!(listed(store.list("a/").await.unwrap()), all[..2]);
    assert_eq!(listed(store.list("a/c/d").await.unwrap()), all[1..2]);
    assert_eq!(store.list("nothing/").await.unwrap(), []);

    for key in ["../up", "/root", "a//b", "a/../../b", ""] {
        assert!(matches!(store.write(key, Bytes::new()).await, Err(LakeError::BadKey { .. })), "{key}");
        assert!(matches!(store.read(key).await, Err(LakeError::BadKey { .. })), "{key}");
    }
    store.delete("a/c/d.txt").await.unwrap();
    store.delete("a/c/d.txt").await.unwrap();
    assert!(!store.exists("a/c/d.txt").await.unwrap());
    assert!(store.exists("a/b.txt").await.unwrap());
}

#[tokio::test]
async fn a_folder_keeps_its_promises() {
    let (folder, store) = in_folder().await;
    keeps_its_promises(&store, folder.path()).await;
    let names: Vec<_> =
        std::fs::read_dir(folder.path().join("store")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no unfinished file is left: {names:?}");
}

#[tokio::test]
async fn a_file_that_changed_has_another_etag() {
    let (_folder, store) = in_folder().await;
    store.write("a", Bytes::from_static(b"one")).await.unwrap();
    let before = store.stat("a").await.unwrap();
    assert_eq!(store.stat("a").await.unwrap(), before);
    store.write("a", Bytes::from_static(b"four")).await.unwrap();
    assert_ne!(store.stat("a").await.unwrap().etag, before.etag);
}

#[tokio::test]
async fn an_address_that_is_none_is_explained() {
    let options = StoreOptions { cache_dir: "cache".into(), cache_bytes: 0, s3_path_style: false };
    let error = Store::open("/data/lake", &options).await.unwrap_err();
    insta::assert_snapshot!(error, @"`/data/lake` is no place for objects: it begins with neither file:// nor s3://. Write file://folder or s3://bucket/prefix");
    let error = Store::open("s3://bucket/a/../b", &options).await.unwrap_err();
    insta::assert_snapshot!(error, @"`s3://bucket/a/../b` is no place for objects: the prefix has empty, `.` or `..` parts. Write file://folder or s3://bucket/prefix");
}

#[tokio::test]
async fn a_bucket_keeps_its_promises() {
    if !inside("lake::a_bucket_keeps_its_promises", Server::Open) {
        return;
    }
    let (folder, store) = in_bucket("promises").await;
    keeps_its_promises(&store, folder.path()).await;
}

#[tokio::test]
async fn a_listing_goes_over_all_pages() {
    if !inside("lake::a_listing_goes_over_all_pages", Server::Open) {
        return;
    }
    let (_folder, store) = in_bucket("pages").await;
    let writes = futures::stream::iter(0..1_005).map(|n| {
        let store = &store;
        async move { store.write(&format!("many/{n:04}"), Bytes::from_static(b"x")).await }
    });
    writes.buffer_unordered(16).try_collect::<Vec<()>>().await.unwrap();
    let keys: Vec<String> = store.list("many/").await.unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(keys.len(), 1_005);
    assert!(keys.is_sorted());
}

#[tokio::test]
async fn a_large_file_goes_up_in_parts_and_comes_back() {
    if !inside("lake::a_large_file_goes_up_in_parts_and_comes_back", Server::Open) {
        return;
    }
    let (folder, store) = in_bucket("parts").await;
    let file = folder.path().join("large");
    let bytes: Vec<u8> = (0..40 * 1024 * 1024_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&file, &bytes).unwrap();
    store.write_file("large.parquet", &file).await.unwrap();
    assert!(store.stat("large.parquet").await.unwrap().etag.ends_with("-3"), "three parts");
    assert!(std::fs::read(store.local("large.parquet").await.unwrap()).unwrap() == bytes);
}

#[tokio::test]
async fn a_cached_copy_is_read_again_until_the_object_changes() {
    if !inside("lake::a_cached_copy_is_read_again_until_the_object_changes", Server::Open) {
        return;
    }
    let (_folder, store) = in_bucket("cached").await;
    store.write("a.csv", Bytes::from_static(b"old")).await.unwrap();
    let first = store.local("a.csv").await.unwrap();
    // Whoever marks the copy sees that it is the copy that is read.
    std::fs::write(&first, b"OLD").unwrap();
    assert_eq!(std::fs::read(store.local("a.csv").await.unwrap()).unwrap(), b"OLD");
    let listed = store.stat("a.csv").await.unwrap();
    store.write("a.csv", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(std::fs::read(store.local("a.csv").await.unwrap()).unwrap(), b"new");
    // What was listed before is still there as it was.
    assert_eq!(store.local_copy(&listed).await.unwrap(), first);
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    if !inside("lake::a_missing_bucket_is_named", Server::Open) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open("s3://nowhere", folder.path()).await;
    let error = store.list("").await.unwrap_err();
    assert!(error.to_string().contains("there is no bucket `nowhere` at http://127.0.0.1:"), "{error}");
    assert!(!error.is_transient());
    let error = store.write("a", Bytes::new()).await.unwrap_err();
    assert!(error.to_string().contains("there is no bucket `nowhere`"), "{error}");
}

#[tokio::test]
async fn an_unreachable_endpoint_is_named_and_may_come_back() {
    if !inside("lake::an_unreachable_endpoint_is_named_and_may_come_back", Server::Down) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let error = open("s3://bucket", folder.path()).await.list("").await.unwrap_err();
    assert!(error.is_transient());
    let text = error.to_string();
    assert!(text.starts_with("cannot reach bucket `bucket` at http://127.0.0.1:"), "{text}");
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn refused_access_says_what_to_check() {
    if !inside("lake::refused_access_says_what_to_check", Server::Locked) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let error = open("s3://bucket", folder.path()).await.list("").await.unwrap_err();
    assert!(error.to_string().contains("knows no access key like AWS_ACCESS_KEY_ID"), "{error}");
    assert!(!error.is_transient());
}
