"""What Acme adds to Inngest apps. Installing it is all it takes."""
