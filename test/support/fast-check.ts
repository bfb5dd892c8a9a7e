import fc from 'fast-check';

// Else lists are of ten items at most, whatever length a test allows.
fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });

export default fc;
