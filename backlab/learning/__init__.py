"""What a learner guesses, sees and passes: the prediction and its form, the diary, how far one is."""
