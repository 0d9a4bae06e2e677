"""Files to definitions: loading with positions, checking, versions."""
