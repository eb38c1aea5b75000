"""Pure planning: snapshot in, desired objects and outcomes out; nothing here does IO."""
