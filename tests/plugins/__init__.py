"""How the test run itself works: what runs where and when, what it may leave behind, and where its time went."""
