//! Progress on stderr: lines that stay and, on a terminal, a bar below for what goes on.
//!
//! | file | holds |
//! |---|---|
//! | `run` | the progress of a training |
//! | `state` | what it has reported, and the lines that show it |
//! | `overview` | the lines at its start |
//! | `counter` | the progress of a model at work, and of work in parts |
//! | `line` | lines that fit into the terminal |
//! | `screen` | a bar that survives a change of the terminal's width |

mod counter;
mod line;
mod overview;
mod run;
mod screen;
mod state;

pub(crate) use counter::{Counter, WorkBar};
pub(crate) use run::Terminal;
