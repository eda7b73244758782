//! Claims a job, performs it, settles it.
