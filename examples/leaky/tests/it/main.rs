//! Whether the isolation suite finds what it should.

#[cfg(test)]
mod holes;
#[cfg(test)]
mod people;
