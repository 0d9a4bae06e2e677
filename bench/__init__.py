"""What Perennia costs, beside what the same work costs without it, on the same machine in the same run."""
