"""What connects the engine to the world: stores, HTTP, files of leads, metrics, the command line."""
