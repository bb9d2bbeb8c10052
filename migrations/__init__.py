"""The database's revisions, from the first on. Found by ``mesgraph migrate`` inside an installed package."""
