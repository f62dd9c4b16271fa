//! Venues at work: one actor each, a registry that brings them back, and a hub per worker that shows them.
//!
//! No rule lives here. An actor decides with the engine, saves with the journal, applies to what the world
//! sees, answers, and publishes, in this order: nothing is shown that a crash could take back.

mod answers;
mod backlog;
mod card_line;
mod courier;
mod dirty;
mod frame;
mod hub;
mod hubs;
mod messages;
mod mirroring;
pub mod notices;
mod owner;
mod past;
pub mod policies;
mod publication;
mod registry;
mod shown;
mod standing;
mod today;
mod told;
mod venue_actor;
pub mod view;
mod watched;
mod writers;

pub use backlog::{Backlog, Pending};
pub use card_line::Names;
pub use courier::{Bell, Courier};
pub use frame::{Draft, Frame};
pub use hub::{Audience, Hub, Outlets, Sending, ViewerKey};
pub use hubs::{Hubs, Subscriber};
pub use messages::{Answer, Follow, Look, Promote, Submit, SubmitError, Yield};
pub use publication::{BoardFilter, ConsoleNews, Facts, Publication};
pub use registry::{Registry, RegistryError, SubmitOrRegistryError};
pub use shown::{MERGE, Shown};
pub use venue_actor::VenueActor;
pub use watched::{Sight, Watch, Watched};
pub use writers::{There, Writer, Writers};
