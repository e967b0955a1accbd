//! The command line that every product shares: serve, migrate, doctor.
