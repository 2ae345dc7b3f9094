import { mount } from 'svelte';
import './ui/theme.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });
// Without it the app works, but does not start offline.
if (import.meta.env.PROD) navigator.serviceWorker?.register('/sw.js').catch(console.error);
