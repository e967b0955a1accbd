//! Organizations, members, roles and the layer that finds the tenant of a request.
