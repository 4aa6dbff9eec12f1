"""How the members of an ensemble come to be: methods, and the escape strategies of members that follow one another."""
