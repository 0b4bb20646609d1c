"""Named, versioned lists of metrics with their settings, and how they are put together over targets."""
