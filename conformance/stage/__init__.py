"""The judge as a server: one port a case, scripted byte by byte."""
