"""What stands in deploy/ and at the root for those who run the product."""
