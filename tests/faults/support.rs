//! What these tests share with tests/it.
#![expect(dead_code, reason = "tests/it uses the rest")]

#[path = "../it/support/database.rs"]
pub(crate) mod database;
#[path = "../it/support/fault_server.rs"]
pub(crate) mod fault_server;
#[path = "../it/support/proxy.rs"]
pub(crate) mod proxy;
#[path = "../it/support/requests.rs"]
pub(crate) mod requests;
#[path = "../it/support/s3.rs"]
pub(crate) mod s3;
#[path = "../it/support/sample.rs"]
pub(crate) mod sample;
#[path = "../it/support/stage.rs"]
pub(crate) mod stage;
