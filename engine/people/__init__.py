"""Places and the people who hold posts in them: who may act, where, and how they prove who they are."""
