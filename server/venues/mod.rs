//! Venues at work: one actor each, a registry that brings them back, and a hub per worker that shows them.
//!
//! No rule lives here. An actor decides with the engine, saves with the journal, applies to what the world
//! sees, answers, and publishes, in this order: nothing is shown that a crash could take back.

mod answers;
mod dirty;
mod hub;
mod messages;
mod owner;
pub mod policies;
mod publication;
mod registry;
mod shown;
mod venue_actor;
pub mod view;
mod writers;

pub use hub::{Audience, Hub, Hubs, Join, Viewer};
pub use messages::{Answer, Follow, Look, Promote, Submit, SubmitError, Yield};
pub use publication::{BoardFilter, Facts, Publication};
pub use registry::{Registry, RegistryError, SubmitOrRegistryError};
pub use shown::Shown;
pub use venue_actor::VenueActor;
pub use writers::{There, Writer, Writers};
