//! Both remotes, served over real HTTP on loopback.

pub mod cloudfoundry;
