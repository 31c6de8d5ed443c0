//! The program from outside: what a user types, what comes back on stdout, in files, and as exit status.
//!
//! One binary; each module says what it covers. Everything runs on generated folders of 12-pixel images and a network
//! of the smallest width and depth.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod bad_input;
mod bodies;
mod brought;
mod command_line;
mod device;
mod estimates;
mod evidence;
mod export;
#[cfg(feature = "hub")]
mod hub;
mod interrupted;
mod methods;
mod noise;
#[cfg(all(feature = "cuda", target_os = "linux"))]
mod on_a_stub;
mod own_features;
mod predict;
#[cfg(feature = "hub")]
mod pretrained;
mod python;
mod refusals;
mod repeatable;
mod report;
mod run_folder;
mod search;
mod setup;
mod sizes;
mod trajectories;
