"""What a method, a metric or a backend is held to, for anybody's own."""
