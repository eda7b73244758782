//! Names that Slack hands back to us, and that `manifest.yml` repeats (a test compares them).

use crate::catalog::AttributeId;

/// The slash command.
pub const COMMAND: &str = "/segment";
/// The global shortcut "Build a segment".
pub const SHORTCUT_GLOBAL: &str = "build_segment";
/// The message shortcut "Build a segment here".
pub const SHORTCUT_MESSAGE: &str = "build_segment_here";
/// The form.
pub const CALLBACK_FORM: &str = "segment_form";
/// What the form turns into once it is submitted.
pub(crate) const CALLBACK_CONFIRMATION: &str = "segment_confirmation";
/// Opens the form; the value is a request's draft.
pub const ACTION_OPEN_FORM: &str = "open_form";
/// Cancels; the value is the request's id, as for the next two.
pub const ACTION_CANCEL: &str = "cancel_request";
/// Puts a failed request back.
pub const ACTION_RETRY: &str = "retry_request";
/// The question whether a segment that exists is enough.
pub(crate) const CALLBACK_OFFER: &str = "segment_offer";
/// Takes the segment that exists; the value is what was asked, as for the next.
pub(crate) const ACTION_USE_SAME: &str = "use_same";
/// Builds it anyway.
pub(crate) const ACTION_BUILD_ANYWAY: &str = "build_anyway";
/// Counts people again for what a form says now.
pub(crate) const ACTION_COUNT: &str = "count_people";
/// Opens the form, filled in as before.
pub const ACTION_RERUN: &str = "rerun_request";

// The inputs of the form; an input's only element has the same id.
pub(crate) const BLOCK_NAME: &str = "name";
pub(crate) const BLOCK_PRODUCT: &str = "product";
pub(crate) const BLOCK_GENDER: &str = "gender";
pub(crate) const BLOCK_AGE_FROM: &str = "age_from";
pub(crate) const BLOCK_AGE_TO: &str = "age_to";
pub(crate) const BLOCK_AREAS: &str = "areas";
pub(crate) const BLOCK_REGIONS: &str = "regions";
pub(crate) const BLOCK_SIZE: &str = "size";
pub(crate) const BLOCK_SIZE_EXACT: &str = "size_exact";
pub(crate) const BLOCK_CONVERTED: &str = "converted";
pub(crate) const BLOCK_WITHOUT: &str = "without";
pub(crate) const BLOCK_CONTROL: &str = "control";
pub(crate) const BLOCK_DELIVER: &str = "deliver";

/// The choice that leaves the exclusion or the control group to the product.
pub(crate) const USUAL: &str = "usual";
pub(crate) const DELIVER_THREAD: &str = "thread";
pub(crate) const DELIVER_DM: &str = "dm";

/// The block of an attribute.
pub(crate) fn block_of_attribute(id: &AttributeId) -> String {
    format!("attribute-{id}")
}
