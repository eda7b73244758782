//! Where bytes lie: files or S3, with checked tables on top.
