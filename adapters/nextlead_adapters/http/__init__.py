"""The HTTP face: one route table (`app.ROUTES`), from which routing, roles, decoding and the documents are made."""
