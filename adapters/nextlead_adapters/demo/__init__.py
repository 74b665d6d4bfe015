"""`nextlead demo`: a small call centre to look at, with simulated agents at work in it."""
