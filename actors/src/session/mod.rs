//! SMTP sessions: listeners, one actor per connection, and the wire.
