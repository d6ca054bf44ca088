"""One seam for telling what happened: ``catalog`` lists the events, ``bus`` carries them, ``log`` writes them down."""
